//! Postfix's smtpd. One instance listens at an address for every face; what it has taken is on hold in
//! its queue, written to the disk before the 250, and read back with `postcat`.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use tempfile::TempDir;

use super::lab::{DOMAIN, HOST, SendingLab};
use super::{Face, Mail, Receiver, every_sender_ends_as_its_class_says};
use crate::support::{PostfixInstance, run};

/// The services that taking a message needs, beside smtpd itself.
const MASTER_CF: &str = "\
cleanup unix        n - n -     0 cleanup
rewrite unix        - - n -     - trivial-rewrite
anvil   unix        - - n -     1 anvil
tlsmgr  unix        - - n 1000? 1 tlsmgr
postlog unix-dgram  n - n -     1 postlogd
";

const FACES: [Face; 8] = [
    Face::Good,
    Face::OtherHost,
    Face::OtherDomain,
    Face::SelfSigned,
    Face::Expired,
    Face::NotOffered,
    Face::OldTls,
    Face::Refused,
];

pub(super) struct Postfix {
    instance: PostfixInstance,
    /// Keeps the port: whoever looks for a free one at 127.0.0.1 does not find this one.
    port: TcpListener,
    _certificates: TempDir,
}

impl Postfix {
    pub(super) fn start(lab: &SendingLab) -> Option<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let certificates = tempfile::tempdir().unwrap();
        let mut master_cf = MASTER_CF.to_owned();
        for face in FACES {
            let options = match (face, face.certificate()) {
                (Face::NotOffered, _) => "smtpd_tls_security_level=none".to_owned(),
                // With a certificate file that is not there, STARTTLS is offered all the same.
                (_, None) => "smtpd_tls_cert_file=/nonexistent.pem".to_owned(),
                (_, Some(label)) => {
                    let (chain, key) = lab.write_pem(label, certificates.path());
                    format!("smtpd_tls_cert_file={} -o smtpd_tls_key_file={}", chain.display(), key.display())
                }
            };
            let old = if face == Face::OldTls { " -o smtpd_tls_protocols=TLSv1,TLSv1.1" } else { "" };
            let address = address(&port, face);
            writeln!(master_cf, "{address} inet n - n - 1 smtpd -o {options}{old}").unwrap();
        }
        let instance = PostfixInstance::start(&master_cf, &settings())?;
        Some(Self { instance, port, _certificates: certificates })
    }

    /// A file of the queue as it was delivered to Postfix: the envelope, then the message.
    fn read(&self, id: &str) -> Mail {
        let printed = run(self.instance.command("postcat").args(["-q", id]), "");
        printed.succeeded();
        let field = |name: &str| {
            let mut lines = printed.stdout.lines();
            lines.find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
        };
        let encrypted = match (field("\tby mx.lab.test"), printed.stdout.contains("(using TLSv1.")) {
            (by, true) if by.contains("with ESMTPS ") => true,
            (by, false) if by.contains("with ESMTP ") => false,
            (by, _) => panic!("{by}: {}", printed.stdout),
        };
        Mail { from: field("sender:"), to: field("recipient:"), subject: field("Subject:"), encrypted }
    }
}

impl Receiver for Postfix {
    fn faces(&self) -> Vec<Face> {
        FACES.to_vec()
    }

    fn address(&self, face: Face) -> SocketAddr {
        address(&self.port, face)
    }

    fn arrived(&mut self, _: Face) -> Vec<Mail> {
        let held = fs::read_dir(self.instance.queue("hold")).unwrap();
        let files = held.map(|file| file.unwrap());
        files
            .map(|file| {
                let mail = self.read(&file.file_name().into_string().unwrap());
                fs::remove_file(file.path()).unwrap();
                mail
            })
            .collect()
    }
}

/// 127.0.0.2 and upwards, an address for each face, all at the port that is kept at 127.0.0.1.
fn address(port: &TcpListener, face: Face) -> SocketAddr {
    let at = u8::try_from(face as usize).unwrap();
    ([127, 0, 0, 2 + at], port.local_addr().unwrap().port()).into()
}

/// Messages stay where `arrived` finds them; nobody delivers, which is no reason to take them slowly.
fn settings() -> String {
    format!(
        "\
myhostname = {HOST}
mydestination = {DOMAIN}
local_recipient_maps =
in_flow_delay = 0
notify_classes =
smtpd_recipient_restrictions = check_recipient_access static:HOLD, reject_unauth_destination
smtpd_peername_lookup = no
smtpd_tls_security_level = may
smtpd_tls_received_header = yes
smtpd_tls_loglevel = 1
"
    )
}

#[tokio::test]
async fn every_sender_ends_at_postfix_as_its_class_says() {
    let lab = SendingLab::start().await;
    let Some(mut postfix) = Postfix::start(&lab) else { return };
    every_sender_ends_as_its_class_says(&lab, &mut postfix).await;
}
