#!/bin/sh
# What does curl do with STARTTLS? Two labs that are there for one command each say it.
#
#     examples/shell/exec.sh [path of starttls-lab]
set -eu

lab=${1:-starttls-lab}

# The name the certificate carries leads to the lab; curl learns the CA to trust from --trust-env.
send='printf "Subject: hello\r\n\r\nfrom curl\r\n" |
    curl --silent --show-error --ssl-reqd --noproxy "*" \
        --url "smtp://mailgate.expta.com:$SMTP_PORT/client.example" \
        --resolve "mailgate.expta.com:$SMTP_PORT:$SMTP_HOST" \
        --mail-from me@client.example --mail-rcpt you@expta.com --upload-file -'

echo "1. STARTTLS is offered: the message comes over TLS, and nobody complains"
"$lab" exec healthy --trust-env --timeout 30s --expect-messages 1 --expect-tls --expect-no-leak --expect-no-event 12014 \
    -- sh -c "$send"

echo "2. STARTTLS is withheld: curl, which was told to insist, sends nothing"
"$lab" exec fqdn-mismatch --trust-env --timeout 30s --expect-messages 0 --expect-no-leak --expect-event 12014 \
    -- sh -c "! { $send; }"
