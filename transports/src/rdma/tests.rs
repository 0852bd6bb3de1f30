use super::*;

fn read(json: &str) -> Config {
    serde_json::from_str(json).unwrap()
}

#[test]
fn lanes_in_software_want_a_device_made_and_those_on_named_devices_do_not() {
    for (json, wants) in [
        ("{}", true),
        (r#"{"operation": "ud"}"#, true),
        (r#"{"operation": "raw"}"#, false),
        (r#"{"exchange_device": "mlx5_0", "trader_device": "mlx5_1"}"#, false),
    ] {
        assert_eq!(Rdma::wants_soft_rdma(&read(json)), wants, "{json}");
    }
}

#[test]
fn only_raw_frames_cross_between_the_benchs_namespaces() {
    for (json, stays) in [("{}", true), (r#"{"operation": "raw"}"#, false)] {
        assert_eq!(Rdma::stays_on_the_host(&read(json)), stays, "{json}");
    }
}

#[test]
fn one_end_without_a_device_and_one_that_is_not_there_are_needs() {
    let root = tempfile::tempdir().unwrap();
    let needs = |json| devices(root.path(), &read(json)).unwrap_err().to_string();
    assert!(needs(r#"{"exchange_device": "mlx5_0"}"#).contains("trader_device"));
    assert!(needs(r#"{"exchange_device": "mlx5_0", "trader_device": "mlx5_1"}"#).contains("there are: none"));
}

#[test]
fn lanes_that_can_have_no_stamps_say_why() {
    let on_nics =
        |operation| read(&format!(r#"{{"operation": "{operation}", "exchange_device": "a", "trader_device": "b"}}"#));
    assert!(Rdma::takes_no_stamps(&read("{}")).is_some_and(|why| why.contains("soft-RoCE")));
    assert!(Rdma::takes_no_stamps(&on_nics("rc-write-poll")).is_some());
    assert_eq!(Rdma::takes_no_stamps(&on_nics("ud")), None);
}

#[test]
fn raw_frames_over_a_virtual_wire_are_a_need_for_a_nic_that_has_them() {
    let unmet = no_raw();
    assert!(unmet.needs.contains("ConnectX") && unmet.how.contains("exchange_interface"), "{unmet}");
}
