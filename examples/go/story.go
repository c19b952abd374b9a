// What does net/smtp say of the lab's certificate? One file, nothing but the standard library:
//
//	starttls-lab exec healthy --trust-env --expect-messages 1 --expect-tls -- go run story.go
//
// The server is known as mail.expta.com, and its certificate says mailgate.expta.com: verification fails.
// Then the client asks for the name in the certificate. Whom to trust Go learns from --trust-env
// (SSL_CERT_FILE; on Linux).
package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"net"
	"net/smtp"
	"os"
	"time"
)

const patience = 10 * time.Second

func main() {
	log.SetFlags(0)
	var wrongName x509.HostnameError
	_, err := send("mail.expta.com")
	if !errors.As(err, &wrongName) {
		log.Fatalf("as mail.expta.com there came of it: %v", err)
	}
	fmt.Println("as mail.expta.com:", err)

	version, err := send("mailgate.expta.com")
	if err != nil {
		log.Fatalf("as mailgate.expta.com: %v", err)
	}
	if version < tls.VersionTLS12 {
		log.Fatalf("TLS of version %#x", version)
	}
	fmt.Printf("as mailgate.expta.com: sent over TLS %#x\n", version)
}

// send is the program under test: it insists on TLS and on a certificate of this name.
func send(name string) (uint16, error) {
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
		return 0, errors.New("STARTTLS is not offered")
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
