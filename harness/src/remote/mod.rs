//! A run over two hosts: the exchange here, the trader on a host that is reached over ssh.
//!
//! There `tickcert endpoint --agent` serves one run: it lends the trader's interface, keeps the tape, starts the trader's
//! processes and sends their samples back, all over its standard input and output ([`protocol`]). When that channel closes,
//! however it does, it ends what it has started and gives back what it was lent; if it is killed, `tickcert clean` there does.

pub mod agent;
mod framing;
pub mod protocol;
mod session;
mod ssh;

pub use agent::boot_id;
pub use session::{Lost, RemoteError, Session};
pub use ssh::Destination;
