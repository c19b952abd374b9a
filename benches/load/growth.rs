//! How the cost of a session grows with what a lab has to look after: five curves, and a picture of them.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use crate::client::{Client, Transport};
use crate::measure::{self, Load, median};
use crate::server::Server;

/// What there is more and more of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Axis {
    /// Connections that are open and say nothing.
    Connections,
    /// Messages that are kept.
    Messages,
    /// Entries of the journal.
    Entries,
    /// Connectors that share a binding.
    Connectors,
    /// Certificates in the store.
    Certificates,
}

/// A curve: how much there was, and the server's CPU in microseconds a session.
pub(crate) type Curve = Vec<(usize, f64)>;

impl Axis {
    pub(crate) const ALL: [Self; 5] =
        [Self::Connections, Self::Messages, Self::Entries, Self::Connectors, Self::Certificates];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Connections => "open connections",
            Self::Messages => "messages kept",
            Self::Entries => "journal entries",
            Self::Connectors => "connectors",
            Self::Certificates => "certificates",
        }
    }

    /// How much there is at the points of the curve; the journal keeps 10,000 messages and 200,000 entries.
    const fn points(self) -> [usize; 5] {
        match self {
            Self::Connections => [0, 1_000, 2_500, 5_000, 9_000],
            Self::Messages => [0, 2_500, 5_000, 10_000, 15_000],
            Self::Entries => [0, 50_000, 100_000, 200_000, 300_000],
            Self::Connectors | Self::Certificates => [1, 25, 50, 100, 200],
        }
    }

    /// A lab with so many of them, as far as they stand in its file.
    fn lab(self, count: usize) -> String {
        let mut text = include_str!("lab.toml").to_owned();
        let (connectors, certificates) = match self {
            Self::Connections | Self::Messages | Self::Entries => (1, 1),
            Self::Connectors => (count, 1),
            Self::Certificates => (1, count),
        };
        // Writing to a String cannot fail.
        for number in 1..certificates {
            let _ = write!(
                text,
                "\n[[computer.certificate]]\nlabel = \"c{number}\"\nsubject = \"CN=c{number}.example.com\"\n\
                 names = [\"c{number}.example.com\"]\nservices = [\"SMTP\"]\n"
            );
        }
        for number in 1..connectors {
            let _ = write!(
                text,
                "\n[[computer.receive_connector]]\nname = \"C{number}\"\nbindings = [\"0.0.0.0:25\"]\n\
                 remote_ip_ranges = [\"198.51.{}.{}\"]\nauth_mechanism = [\"Tls\"]\n\
                 permission_groups = [\"AnonymousUsers\"]\n",
                number / 250,
                number % 250 + 1
            );
        }
        text
    }

    /// Fills a server with what the file has not; returns the connections that have to stay open.
    async fn fill(self, server: &Server, count: usize) -> io::Result<Vec<Client<tokio::net::TcpStream>>> {
        let mut open = Vec::new();
        match self {
            Self::Connections => {
                for _ in 0..count {
                    open.push(Client::connect(server.address).await?);
                }
            }
            Self::Messages => fill(server, count, 100).await?,
            // A session of no message has seven entries.
            Self::Entries => fill(server, count / 7, 0).await?,
            Self::Connectors | Self::Certificates => {}
        }
        Ok(open)
    }

    /// Measures the curve; the servers take turns.
    pub(crate) async fn measure(self, rounds: usize, less: usize) -> io::Result<Curve> {
        let mut servers = Vec::new();
        for point in self.points() {
            let count = if point > 1 { (point / less).max(1) } else { point };
            let server = Server::serve(&self.lab(count))?;
            let open = self.fill(&server, count).await?;
            servers.push((count, server, open, Vec::new()));
        }
        let load = Load {
            transport: Transport::Clear,
            parallel: 10,
            connections: (400 / less).max(1),
            messages: 1,
            bytes: 1024,
        };
        for round in 0..=rounds {
            for (_, server, _, took) in &mut servers {
                let result = measure::round(load, server, &[]).await?;
                if round > 0 {
                    took.push(result.cpu_microseconds);
                }
            }
        }
        Ok(servers.into_iter().map(|(count, _, _, took)| (count, median(took.into_iter()))).collect())
    }
}

/// Leaves `messages` messages of 1 KiB, `at_once` on a connection; with 0, so many sessions without any.
async fn fill(server: &Server, messages: usize, at_once: usize) -> io::Result<()> {
    let content = measure::content(1024);
    for _ in 0..messages / at_once.max(1) {
        let mut client = Client::connect(server.address).await?;
        client.send(at_once, &content).await?;
        client.quit().await?;
    }
    Ok(())
}

/// Writes the curves as a picture, each from zero on.
#[expect(clippy::cast_precision_loss, reason = "a picture has some hundred points")]
pub(crate) fn draw(curves: &[(Axis, Curve)], to: &Path) -> io::Result<()> {
    const WIDE: f64 = 150.0;
    const HIGH: f64 = 90.0;
    let most = curves.iter().flat_map(|(_, curve)| curve).map(|(_, cpu)| *cpu).fold(1.0, f64::max);
    let top = (most / 50.0).ceil() * 50.0;
    let width = curves.len() as f64 * (WIDE + 30.0) + 30.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {:.0}\" font-family=\"sans-serif\" \
         font-size=\"10\" fill=\"#777\">\n<title>CPU of a session in microseconds against what there is</title>\n",
        HIGH + 50.0
    );
    for (index, (axis, curve)) in curves.iter().enumerate() {
        let left = 40.0 + index as f64 * (WIDE + 30.0);
        let last = curve.last().map_or(1, |(count, _)| *count).max(1);
        let place = |(count, cpu): &(usize, f64)| {
            let (x, y) = (*count as f64 / last as f64 * WIDE, HIGH - cpu / top * HIGH);
            format!("{:.1},{:.1}", left + x, 20.0 + y)
        };
        let line: Vec<_> = curve.iter().map(place).collect();
        let (bottom, right) = (20.0 + HIGH, left + WIDE);
        // Writing to a String cannot fail.
        let _ = write!(
            svg,
            "<text x=\"{left}\" y=\"12\">{}, us a session</text>\n\
             <path d=\"M{left} 20V{bottom}H{right}\" fill=\"none\" stroke=\"#999\"/>\n\
             <polyline points=\"{}\" fill=\"none\" stroke=\"#2a7ab8\" stroke-width=\"2\"/>\n\
             <text x=\"{:.0}\" y=\"24\" text-anchor=\"end\">{top:.0}</text>\n\
             <text x=\"{left}\" y=\"{:.0}\">0</text>\n\
             <text x=\"{right}\" y=\"{:.0}\" text-anchor=\"end\">{last}</text>\n",
            axis.name(),
            line.join(" "),
            left - 4.0,
            bottom + 14.0,
            bottom + 14.0
        );
    }
    svg.push_str("</svg>\n");
    std::fs::write(to, svg)
}
