//! What the wire is made of, and where its other end is.

use std::sync::Arc;

use anyhow::anyhow;
use tickcert_scenarios::profile::Profile;

use super::{Failure, args::CoreArgs, start};
use crate::{
    bench::Wire,
    remote::{
        Destination, RemoteError, Session, boot_id,
        protocol::{Problem, Request},
    },
    run::progress::Progress,
};

/// A wire other than the virtual one.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct WireArgs {
    /// Interface of the exchange, cabled to that of the trader [default: the profile's, else a virtual wire]
    #[arg(long, value_name = "IF", requires = "trader_interface")]
    pub(crate) exchange_interface: Option<String>,
    /// Interface of the trader, on its own host
    #[arg(long, value_name = "IF", requires = "exchange_interface")]
    pub(crate) trader_interface: Option<String>,
    /// Take an interface even if the default route or an SSH session goes through it
    #[arg(long)]
    pub(crate) force_interfaces: bool,
    /// Host of the trader, as ssh takes it, where it is another than this one [default: the profile's]
    #[arg(long, value_name = "USER@HOST")]
    pub(crate) trader_host: Option<String>,
    /// This same build of tickcert on the trader's host [default: the profile's, else the one in its PATH]
    #[arg(long, value_name = "PATH")]
    pub(crate) trader_program: Option<String>,
    /// Option for ssh, as its -o takes it; before the profile's
    #[arg(long = "ssh-option", value_name = "KEY=VALUE")]
    pub(crate) ssh_options: Vec<String>,
    /// The ssh client
    #[arg(long, value_name = "PROGRAM", default_value = "ssh")]
    pub(crate) ssh_program: String,
}

impl WireArgs {
    /// Where the trader is, if not on this host: the command line's host, else the profile's.
    pub(super) fn destination(&self, profile: &Profile) -> Result<Option<Destination>, Failure> {
        let of_profile = profile.trader_host.as_ref();
        let Some(host) = self.trader_host.as_ref().or(of_profile.map(|of| &of.host)) else {
            if self.trader_program.is_some() || !self.ssh_options.is_empty() {
                return Err(Failure::usage(anyhow!(
                    "--trader-program and --ssh-option are for a trader on another host: add --trader-host"
                )));
            }
            return Ok(None);
        };
        if host.is_empty() || host.starts_with('-') {
            return Err(Failure::usage(anyhow!("`{host}` is no host: write it as ssh takes it, `root@server2`")));
        }
        // The profile's program is that of the profile's host.
        let same = of_profile.filter(|of| of.host == *host);
        let program = self.trader_program.clone().or_else(|| same?.program.clone());
        let of_profile = of_profile.into_iter().flat_map(|of| of.ssh_options.iter());
        Ok(Some(Destination {
            host: host.clone(),
            program: program.unwrap_or_else(|| "tickcert".to_owned()),
            options: self.ssh_options.iter().chain(of_profile).cloned().collect(),
            ssh: self.ssh_program.clone(),
        }))
    }

    /// Whether the trader is on another host.
    pub(crate) fn is_of_two_hosts(&self, profile: &Profile) -> bool {
        self.trader_host.is_some() || profile.trader_host.is_some()
    }

    /// What the wire is made of: the interfaces of the command line, else those of the profile, else nothing real.
    pub(crate) fn wire(&self, profile: &Profile) -> Result<Wire, Failure> {
        let given = self.exchange_interface.as_ref().zip(self.trader_interface.as_ref());
        let force = self.force_interfaces;
        let two_hosts = self.destination(profile)?.is_some();
        match given.or(profile.interfaces.as_ref().map(|pair| (&pair.exchange, &pair.trader))) {
            Some((exchange, trader)) => {
                let (exchange, trader) = (exchange.clone(), trader.clone());
                Ok(if two_hosts {
                    Wire::TwoHosts { exchange, trader, force }
                } else {
                    Wire::Interfaces { exchange, trader, force }
                })
            }
            None if force => Err(Failure::usage(anyhow!(
                "--force-interfaces, but no interface is named: add --exchange-interface and --trader-interface"
            ))),
            None if two_hosts => Err(Failure::usage(anyhow!(
                "no virtual wire reaches another host: name the two interfaces that are cabled to each other, with --exchange-interface (of this host) and --trader-interface (of the other)"
            ))),
            None => Ok(Wire::Veth),
        }
    }

    /// The session with the trader's host, if it is another: its agent has looked at the host, and holds its lock. To be called
    /// after [`start::bench`], since it starts threads.
    pub(crate) fn session(
        &self,
        profile: &Profile,
        wire: &Wire,
        trader_core: Option<u32>,
        no_wait: bool,
        progress: &Progress,
    ) -> Result<Option<Arc<Session>>, Failure> {
        let (Some(destination), Wire::TwoHosts { trader, force, .. }) = (self.destination(profile)?, wire) else {
            return Ok(None);
        };
        progress.say(&format!("Starting the trader's agent on {}", destination.host));
        let (interface, force) = (trader.clone(), *force);
        let survey = Request::Survey { interface, force, core: trader_core, boot_id: boot_id() };
        let mut said = false;
        let session = Session::open(&destination, &survey, |holder| {
            if !said && !no_wait {
                said = true;
                let who = holder.map(|pid| format!(" (process {pid})")).unwrap_or_default();
                progress.say(&format!("Another run is measuring on {}{who}: waiting for it to end", destination.host));
            }
            !no_wait
        });
        session.map(|session| Some(Arc::new(session))).map_err(|e| match &e {
            RemoteError::Problem { problem: Problem::Refused { .. } | Problem::NoInterface { .. }, .. } => {
                Failure::usage(e)
            }
            _ => Failure::cannot_run(e),
        })
    }

    /// The cores asked for, or chosen ones; the trader's is `None` where its own host is to choose.
    pub(crate) fn cores(&self, args: &CoreArgs, profile: &Profile) -> Result<(u32, Option<u32>), Failure> {
        let given = args.pair().or(profile.run.placement.map(|p| (p.exchange_core, p.trader_core)));
        if self.is_of_two_hosts(profile) {
            return start::one_core(given.map(|(exchange, _)| exchange)).map(|core| (core, given.map(|(_, t)| t)));
        }
        start::cores(given).map(|(exchange, trader)| (exchange, Some(trader)))
    }
}
