// One message by Go's net/smtp, without a logon: it knows no AUTH LOGIN, and the lab's connectors no AUTH PLAIN.
package main

import (
	"crypto/tls"
	"fmt"
	"net/smtp"
	"os"
)

func main() {
	if err := send(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func send(policy string) error {
	host, from, to := os.Getenv("HOST"), os.Getenv("FROM"), os.Getenv("TO")
	address := host + ":" + os.Getenv("PORT")
	message, err := os.ReadFile("message")
	if err != nil {
		return err
	}
	switch policy {
	case "sendmail": // the function that the package has for it
		return smtp.SendMail(address, nil, from, []string{to}, message)
	case "starttls":
		client, err := smtp.Dial(address)
		if err != nil {
			return err
		}
		defer client.Close()
		if err := client.StartTLS(&tls.Config{ServerName: host}); err != nil {
			return err
		}
		if err := client.Mail(from); err != nil {
			return err
		}
		if err := client.Rcpt(to); err != nil {
			return err
		}
		data, err := client.Data()
		if err != nil {
			return err
		}
		if _, err := data.Write(message); err != nil {
			return err
		}
		if err := data.Close(); err != nil {
			return err
		}
		return client.Quit()
	}
	return fmt.Errorf("no policy %q", policy)
}
