// A sink on go-smtp that keeps its newest 10,000 messages: go-smtp PORT CERTIFICATE KEY
package main

import (
	"crypto/tls"
	"io"
	"log"
	"os"
	"sync"

	"github.com/emersion/go-smtp"
)

const kept = 10000

type sink struct {
	mutex    sync.Mutex
	messages [][]byte
}

func (s *sink) Login(*smtp.ConnectionState, string, string) (smtp.Session, error) {
	return nil, smtp.ErrAuthUnsupported
}

func (s *sink) AnonymousLogin(*smtp.ConnectionState) (smtp.Session, error) { return session{s}, nil }

type session struct{ sink *sink }

func (session) Reset()                              {}
func (session) Logout() error                       { return nil }
func (session) Mail(string, smtp.MailOptions) error { return nil }
func (session) Rcpt(string) error                   { return nil }
func (s session) Data(content io.Reader) error {
	message, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	s.sink.mutex.Lock()
	defer s.sink.mutex.Unlock()
	s.sink.messages = append(s.sink.messages, message)
	if len(s.sink.messages) > kept {
		s.sink.messages = s.sink.messages[1:]
	}
	return nil
}

func main() {
	certificate, err := tls.LoadX509KeyPair(os.Args[2], os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	server := smtp.NewServer(&sink{})
	server.Addr = "127.0.0.1:" + os.Args[1]
	server.Domain = "load.example.com"
	server.MaxMessageBytes = 200 << 20
	server.AuthDisabled = true
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}}
	log.Fatal(server.ListenAndServe())
}
