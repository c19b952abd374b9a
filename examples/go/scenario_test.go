// What does net/smtp do with STARTTLS? The lab withholds it (event 12014); the first fix brings it back with a
// certificate of another name, the second one with the right one.
//
//	STARTTLS_LAB=path/to/starttls-lab go test -v
package scenario

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/smtp"
	"testing"

	"starttlslab"
)

const (
	name           = "mail.expta.com"
	otherFqdn      = `Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mailgate.expta.com`
	newCertificate = "New-ExchangeCertificate -GenerateRequest -SubjectName 'CN=mail.expta.com' `" + `
  -DomainName mail.expta.com, mailgate.expta.com | Set-Content C:\mail.req
$answer = [Byte[]]$(Get-Content -Path C:\mail.cer -Encoding Byte -ReadCount 0)
Import-ExchangeCertificate -FileData $answer | Enable-ExchangeCertificate -Services SMTP`
)

var errNotOffered = errors.New("STARTTLS is not offered")

func TestTheStoryFromMailThatIsNotSentToMailOverTLS(t *testing.T) {
	lab := starttlslab.Start(t, starttlslab.Scenario("fqdn-mismatch"))
	lab.ExpectEvent(12014)
	if err := send(lab); !errors.Is(err, errNotOffered) {
		t.Fatalf("before: %v", err)
	}

	lab.Run(otherFqdn)
	var wrongName x509.HostnameError
	if err := send(lab); !errors.As(err, &wrongName) {
		t.Fatalf("after fix 1: %v", err)
	}

	// The question whether to replace the default certificate is answered with no.
	lab.Run(newCertificate, "no")
	if err := send(lab); err != nil {
		t.Fatalf("after fix 2: %v", err)
	}
	message := lab.WaitForMessage(starttlslab.Want{To: "you@expta.com", Security: starttlslab.TLS})
	if message.TLS.Version != "TLSv1.3" {
		t.Errorf("sent over %s", message.TLS.Version)
	}
	lab.ExpectNothingInClear()
}

// send is the program under test: it insists on TLS, and on a certificate with the name that it dialed.
func send(lab *starttlslab.Lab) error {
	client, err := smtp.Dial(lab.Addr())
	if err != nil {
		return err
	}
	defer client.Close()
	if offered, _ := client.Extension("STARTTLS"); !offered {
		return errNotOffered
	}
	if err := client.StartTLS(lab.TLSConfig(name)); err != nil {
		return err
	}
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
