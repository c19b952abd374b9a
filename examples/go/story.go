// What does net/smtp do with STARTTLS? One file, and nothing but the standard library:
//
//	starttls-lab exec fqdn-mismatch --trust-env --expect-messages 1 --expect-tls --expect-no-leak -- go run story.go
//
// The client dials mail.expta.com and insists: on TLS, and on a certificate of that name. The lab withholds
// STARTTLS; the first fix brings it back with a certificate of another name, the second one with the right
// one. Where the lab is and whom to trust (SSL_CERT_FILE, on Linux) Go learns from exec.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/smtp"
	"os"
	"time"
)

const (
	patience = 10 * time.Second
	name     = "mail.expta.com"

	otherFqdn      = `Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mailgate.expta.com`
	newCertificate = "New-ExchangeCertificate -GenerateRequest -SubjectName 'CN=mail.expta.com' `" + `
  -DomainName mail.expta.com, mailgate.expta.com | Set-Content C:\mail.req
$answer = [Byte[]]$(Get-Content -Path C:\mail.cer -Encoding Byte -ReadCount 0)
Import-ExchangeCertificate -FileData $answer | Enable-ExchangeCertificate -Services SMTP`
)

var errNotOffered = errors.New("STARTTLS is not offered")

func main() {
	log.SetFlags(0)
	if _, err := send(); !errors.Is(err, errNotOffered) {
		log.Fatalf("before: %v", err)
	}
	fmt.Println("before:", errNotOffered)

	run(otherFqdn)
	var wrongName x509.HostnameError
	_, err := send()
	if !errors.As(err, &wrongName) {
		log.Fatalf("after fix 1: %v", err)
	}
	fmt.Println("after fix 1:", err)

	// The question whether to replace the default certificate is answered with no.
	run(newCertificate, "no")
	version, err := send()
	if err != nil {
		log.Fatalf("after fix 2: %v", err)
	}
	fmt.Printf("after fix 2: sent over TLS %#x\n", version)
	ask(http.MethodGet, "wait?for=message&to=you@expta.com&security=tls&timeout_ms=10000", nil)
}

// run types cmdlets into the lab's Shell.
func run(line string, answers ...string) {
	if answers == nil {
		answers = []string{}
	}
	body, err := json.Marshal(map[string]any{"line": line, "answers": answers})
	if err != nil {
		log.Fatal(err)
	}
	ask(http.MethodPost, "cmdlets", body)
}

// ask makes a request to the lab's control API, and ends the program where it fails.
func ask(method, path string, body []byte) {
	request, err := http.NewRequest(method, os.Getenv("STARTTLS_LAB_CONTROL_URL")+"/api/v1/"+path, bytes.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	// Go asks no proxy for what is on loopback.
	client := http.Client{Timeout: 3 * patience}
	answer, err := client.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		log.Fatalf("%s: %s %s (%v)", path, answer.Status, said, err)
	}
}

// send is the program under test.
func send() (uint16, error) {
	address := net.JoinHostPort(os.Getenv("SMTP_HOST"), os.Getenv("SMTP_PORT"))
	connection, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return 0, err
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	client, err := smtp.NewClient(connection, name)
	if err != nil {
		return 0, err
	}
	if err := client.Hello("client.example"); err != nil {
		return 0, err
	}
	if offered, _ := client.Extension("STARTTLS"); !offered {
		return 0, errNotOffered
	}
	if err := client.StartTLS(&tls.Config{ServerName: name}); err != nil {
		return 0, err
	}
	state, _ := client.TLSConnectionState()
	return state.Version, deliver(client)
}

func deliver(client *smtp.Client) error {
	if err := client.Mail("me@client.example"); err != nil {
		return err
	}
	if err := client.Rcpt("you@expta.com"); err != nil {
		return err
	}
	content, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprint(content, "Subject: hello\r\n\r\nfrom Go\r\n"); err != nil {
		return err
	}
	if err := content.Close(); err != nil {
		return err
	}
	return client.Quit()
}
