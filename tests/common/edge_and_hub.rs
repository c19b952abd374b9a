//! The lab file of an Edge and the Hub that it is subscribed to: what is the same in every test, and places for the rest.

/// A lab file as a constant. `head` is above the computers; `edge` and `hub` are what the tables of the two computers
/// go on with: further keys first, then certificates and connectors; `rest` is below them.
macro_rules! edge_and_hub {
    (domain: $domain:literal, head: $head:literal, edge: $edge:literal, hub: $hub:literal $(, rest: $rest:literal)? $(,)?) => {
        concat!(
            $head,
            "\n[[computer]]\nname = \"EDGE\"\nfqdn = \"edge.",
            $domain,
            "\"\nrole = \"edge\"\nprofile = \"exchange-2010\"\naddress = \"127.0.0.2\"\nsubscribed_to = \"HUB\"\n\
             accepted_domains = [\"",
            $domain,
            "\"]\n",
            $edge,
            "\n[[computer]]\nname = \"HUB\"\nfqdn = \"hub.",
            $domain,
            "\"\nrole = \"hub-transport\"\nprofile = \"exchange-2010\"\naddress = \"127.0.0.3\"\n",
            $hub,
            $($rest,)?
        )
    };
}
