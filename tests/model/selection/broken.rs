//! What turns red when a rule is answered otherwise: the rows it is about, all of them and no others.

use starttls_lab::internal::exchange::{
    ChainNotValid, ChainStatus, PrivateKey, Profile, RuleOverrides, Services, SeveralMatch, StoredCertificate,
};

use super::oracle::expected;
use super::product::singles;
use super::world::{FQDN, connector_fqdn, fitting, in_hours, now, selected};

/// The certificates of the product on which `overrides` makes `profile` differ from the oracle.
fn red(profile: Profile, overrides: &str) -> Vec<StoredCertificate> {
    let overrides: RuleOverrides = toml::from_str(overrides).unwrap();
    let key = connector_fqdn(FQDN);
    let mut all = singles();
    all.retain(|certificate| {
        let store = std::slice::from_ref(certificate);
        let (found, _) = selected(store, &key, &overrides.over(profile), now());
        found != expected(store, &key, &profile.rules(), now())
    });
    all
}

/// The certificates that would do for 2019 but for what `is_wrong` says, and perhaps the dates.
fn rows(is_wrong: fn(&StoredCertificate) -> bool) -> Vec<StoredCertificate> {
    let mut all = singles();
    all.retain(|certificate| {
        let facts = &certificate.facts;
        let mut names = facts.common_names.iter().chain(&facts.dns_names);
        names.any(|name| name.eq_ignore_ascii_case(FQDN) || name == "*.contoso.com")
            && facts.version == 3
            && certificate.private_key == PrivateKey::Present
            && (facts.self_signed || certificate.chain == ChainStatus::Valid)
            && is_wrong(certificate)
    });
    all
}

fn expired(certificate: &StoredCertificate) -> bool {
    certificate.facts.not_after < now()
}

fn not_yet_valid(certificate: &StoredCertificate) -> bool {
    certificate.facts.not_before > now()
}

fn with_smtp(certificate: &StoredCertificate) -> bool {
    certificate.services.contains(Services::SMTP)
}

#[track_caller]
fn same(red: &[StoredCertificate], rows: &[StoredCertificate]) {
    let shown = |all: &[StoredCertificate]| {
        all.iter().map(|certificate| format!("{certificate:?}")).collect::<Vec<_>>()
    };
    assert!(!rows.is_empty());
    assert_eq!(shown(red), shown(rows));
}

#[test]
fn nothing_is_red_while_every_rule_stands() {
    for profile in Profile::ALL {
        assert!(red(profile, "").is_empty());
    }
}

#[test]
fn withholding_what_has_expired_turns_red_what_2019_offers_with_12016() {
    let rows = rows(|certificate| expired(certificate) && with_smtp(certificate));
    same(&red(Profile::Exchange2019, "expired = \"withheld\""), &rows);
}

#[test]
fn offering_what_has_expired_turns_red_what_2010_refuses_with_12014() {
    let rows = rows(|certificate| expired(certificate) && with_smtp(certificate));
    same(&red(Profile::Exchange2010, "expired = \"offered\""), &rows);
}

#[test]
fn another_answer_on_what_is_not_yet_valid_turns_red_what_is_not_yet_valid() {
    let rows = rows(|certificate| not_yet_valid(certificate) && with_smtp(certificate));
    same(&red(Profile::Exchange2019, "not_yet_valid = \"withheld\""), &rows);
    same(&red(Profile::Exchange2010, "not_yet_valid = \"offered\""), &rows);
}

#[test]
fn choosing_without_smtp_turns_red_what_lacks_nothing_but_smtp() {
    let rows_2019 = rows(|certificate| !with_smtp(certificate));
    same(&red(Profile::Exchange2019, "smtp_not_assigned = \"handshake-fails\""), &rows_2019);
    let rows_2010 =
        rows(|certificate| !with_smtp(certificate) && !expired(certificate) && !not_yet_valid(certificate));
    same(&red(Profile::Exchange2010, "smtp_not_assigned = \"handshake-fails\""), &rows_2010);
}

#[test]
fn another_answer_on_several_matches_turns_red_where_the_newest_is_not_the_longest() {
    let overrides = RuleOverrides { several_match: Some(SeveralMatch::LatestValidTo), ..Default::default() };
    let profile = Profile::Exchange2019;
    for (newer_ends, is_red) in [(100, true), (300, false), (200, false)] {
        let mut older = fitting("older");
        older.facts.not_after = in_hours(200);
        let mut newer = fitting("newer");
        (newer.facts.not_before, newer.facts.not_after) = (in_hours(-1), in_hours(newer_ends));
        // Filed last, so that a tie is seen to be settled by the filing where dates are equal.
        let store = [newer, older];
        let key = connector_fqdn(FQDN);
        let (found, _) = selected(&store, &key, &overrides.over(profile), now());
        let expected = expected(&store, &key, &profile.rules(), now());
        assert_eq!(found != expected, is_red, "the newer one ends in {newer_ends} hours");
    }
}

#[test]
fn another_answer_on_a_chain_that_is_not_valid_turns_red_what_a_self_signed_one_stood_in_for() {
    let overrides = RuleOverrides { chain_not_valid: Some(ChainNotValid::Withheld), ..Default::default() };
    let profile = Profile::Exchange2019;
    for (chain, services, is_red) in [
        (ChainStatus::Untrusted, Services::SMTP, true),
        (ChainStatus::Revoked, Services::SMTP, true),
        (ChainStatus::Valid, Services::SMTP, false),
        (ChainStatus::Revoked, Services::IIS, false),
    ] {
        let mut issued = fitting("issued");
        (issued.chain, issued.services) = (chain, services);
        let mut self_signed = fitting("self-signed");
        self_signed.facts.self_signed = true;
        let (store, key) = ([issued, self_signed], connector_fqdn(FQDN));
        let (found, _) = selected(&store, &key, &overrides.over(profile), now());
        let expected = expected(&store, &key, &profile.rules(), now());
        assert_eq!(found != expected, is_red, "{chain:?}, {services}");
    }
}
