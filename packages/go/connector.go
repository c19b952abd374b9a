package starttlslab

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Connector is a receive connector on a port of its own.
type Connector struct {
	Lab        *Lab
	Computer   string
	Name       string
	Host, Port string
	// CAFile and CA are the root certificate that clients have to trust: a file, and its text as PEM.
	CAFile string
	CA     []byte

	scope string // what waits are narrowed down to; empty for a lab
}

func (c *Connector) be(lab *Lab, view connectorView) error {
	c.Lab, c.Computer, c.Name = lab, view.Computer, view.Name
	var err error
	c.Host, c.Port, err = net.SplitHostPort(view.Addrs[0])
	return err
}

// Identity is SERVER\Name, as cmdlets name it.
func (c *Connector) Identity() string { return c.Computer + `\` + c.Name }

// Addr is host:port.
func (c *Connector) Addr() string { return net.JoinHostPort(c.Host, c.Port) }

// CertPool trusts the lab and nobody else.
func (c *Connector) CertPool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(c.CA)
	return pool
}

// TLSConfig trusts the lab and nobody else, and verifies this name.
func (c *Connector) TLSConfig(serverName string) *tls.Config {
	return &tls.Config{RootCAs: c.CertPool(), ServerName: serverName}
}

// WaitForMessage waits for the first such message.
func (c *Connector) WaitForMessage(want Want) *Message {
	c.Lab.t.Helper()
	message, err := c.TryWaitForMessage(want)
	c.Lab.must(err)
	return message
}

// TryWaitForMessage is WaitForMessage with the error, a *WaitTimeout where there is none in time.
func (c *Connector) TryWaitForMessage(want Want) (*Message, error) {
	message := &Message{}
	return message, c.Lab.client.wait("message", c.scope, want, c.Lab.patience, message)
}

// WaitForSession waits for the first such session that has ended.
func (c *Connector) WaitForSession(want Want) *Session {
	c.Lab.t.Helper()
	session, err := c.TryWaitForSession(want)
	c.Lab.must(err)
	return session
}

// TryWaitForSession is WaitForSession with the error, a *WaitTimeout where there is none in time.
func (c *Connector) TryWaitForSession(want Want) (*Session, error) {
	session := &Session{}
	return session, c.Lab.client.wait("session", c.scope, want, c.Lab.patience, session)
}

// WaitForEvent waits for the first event with this number, such as 12014.
func (c *Connector) WaitForEvent(id int) *Event {
	c.Lab.t.Helper()
	event, err := c.TryWaitForEvent(id, 0)
	c.Lab.must(err)
	return event
}

// TryWaitForEvent is WaitForEvent with the error and a time-out, 0 for the lab's patience.
func (c *Connector) TryWaitForEvent(id int, timeout time.Duration) (*Event, error) {
	scope := c.scope
	if scope != "" {
		// The Application log calls the computer by another name than the lab file.
		scope = c.Name
	}
	event := &Event{}
	want := Want{eventID: id, Timeout: timeout}
	return event, c.Lab.client.wait("event", scope, want, c.Lab.patience, event)
}

// Messages returns the messages so far.
func (c *Connector) Messages() []Message {
	c.Lab.t.Helper()
	return filter(list[Message](c.Lab, "messages"), func(it Message) bool { return c.isHere(it.Computer, it.Connector) })
}

// Sessions returns the sessions so far.
func (c *Connector) Sessions() []Session {
	c.Lab.t.Helper()
	return filter(list[Session](c.Lab, "sessions"), func(it Session) bool { return c.isHere(it.Computer, it.Connector) })
}

// Events returns the Application log so far.
func (c *Connector) Events() []Event {
	c.Lab.t.Helper()
	return filter(list[Event](c.Lab, "events"), func(it Event) bool { return c.isHere(c.Computer, it.Connector) })
}

// Verdicts returns what each client did about TLS; host is the name that it had to expect, if any.
func (c *Connector) Verdicts(host string) []Verdict {
	c.Lab.t.Helper()
	path := "verdicts"
	if host != "" {
		path += "?" + url.Values{"host": {host}}.Encode()
	}
	var all []Verdict
	c.Lab.ask(http.MethodGet, path, nil, &all)
	return filter(all, func(it Verdict) bool { return c.isHere(it.Computer, it.Connector) })
}

// Transcript returns every line that was sent and received, session by session.
func (c *Connector) Transcript() string {
	c.Lab.t.Helper()
	var lines []string
	for _, session := range c.Sessions() {
		var view struct {
			Outcome    string
			Transcript []string
		}
		c.Lab.ask(http.MethodGet, "sessions/"+url.PathEscape(session.Session), nil, &view)
		lines = append(lines, view.Outcome)
		for _, line := range view.Transcript {
			lines = append(lines, "  "+line)
		}
	}
	return strings.Join(lines, "\n")
}

// ExpectNothingInClear fails the test where envelope, content or credentials came without TLS: now, and again at the
// end.
func (c *Connector) ExpectNothingInClear() {
	c.Lab.t.Helper()
	if leaks := c.InClear(); len(leaks) > 0 {
		c.Lab.t.Errorf("expected nothing in clear, but %s", strings.Join(leaks, "\n  "))
		return
	}
	c.Lab.expectations = append(c.Lab.expectations, func(*Report) Checked {
		leaks := c.InClear()
		return Checked{"nothing in clear", len(leaks) == 0, strings.Join(leaks, "\n  ")}
	})
}

// InClear returns what came without TLS, a line for each client.
func (c *Connector) InClear() []string {
	c.Lab.t.Helper()
	var lines []string
	for _, verdict := range c.Verdicts("") {
		var what []string
		seen := map[string]bool{}
		for _, leak := range verdict.Leaks {
			if !seen[leak.What] {
				seen[leak.What] = true
				what = append(what, leak.What)
			}
		}
		if len(what) > 0 {
			lines = append(lines, fmt.Sprintf("%s came in clear: %s", strings.Join(what, " and "), verdict.Words))
		}
	}
	return lines
}

// StartTLS returns whether STARTTLS is offered, and why.
func (c *Connector) StartTLS() StartTLS {
	c.Lab.t.Helper()
	var view struct{ StartTLS StartTLS }
	c.Lab.ask(http.MethodGet, c.path(), nil, &view)
	return view.StartTLS
}

// Set sets parameters, as Set-ReceiveConnector does; they count from the next connection.
func (c *Connector) Set(parameters Parameters) {
	c.Lab.t.Helper()
	c.Lab.ask(http.MethodPut, c.path(), parameters, nil)
}

// Fault adds fault rules for this connector; they count from the next connection.
func (c *Connector) Fault(faults ...Fault) {
	c.Lab.t.Helper()
	c.replaceFaults(func(mine []json.RawMessage) []json.RawMessage {
		for _, fault := range faults {
			fault.Connector = c.Name
			text, err := json.Marshal(fault)
			c.Lab.must(err)
			mine = append(mine, text)
		}
		return mine
	})
}

// Fix removes the fault rules of this connector.
func (c *Connector) Fix() {
	c.Lab.t.Helper()
	c.replaceFaults(func([]json.RawMessage) []json.RawMessage { return nil })
}

func (c *Connector) replaceFaults(change func([]json.RawMessage) []json.RawMessage) {
	c.Lab.t.Helper()
	c.Lab.mutex.Lock()
	defer c.Lab.mutex.Unlock()
	mine, rules := []json.RawMessage{}, []json.RawMessage{}
	for _, rule := range c.Lab.Faults() {
		switch {
		case rule.Computer != c.Computer:
		case rule.read().Connector == c.Name:
			mine = append(mine, rule.Fault)
		default:
			rules = append(rules, rule.Fault)
		}
	}
	c.Lab.setFaults(c.Computer, append(rules, change(mine)...))
}

// Remove removes the connector and its fault rules; its port is free afterwards.
func (c *Connector) Remove() {
	c.Lab.t.Helper()
	c.Fix()
	c.Lab.ask(http.MethodDelete, c.path(), nil, nil)
}

func (c *Connector) path() string {
	return "connectors/" + url.PathEscape(c.Computer) + "/" + url.PathEscape(c.Name)
}

func (c *Connector) isHere(computer, connector string) bool {
	return c.scope == "" || (computer == c.Computer && connector == c.Name)
}

// longestList is what the control API lists at most.
const longestList = 10_000

// list returns a list that the control API has in stretches.
func list[T any](lab *Lab, path string) (all []T) {
	lab.t.Helper()
	lab.ask(http.MethodGet, fmt.Sprintf("%s?limit=%d", path, longestList), nil, &all)
	if len(all) == longestList {
		lab.t.Fatalf("there are %d %s or more; ask the control API for a stretch of them", longestList, path)
	}
	return all
}

func filter[T any](all []T, fits func(T) bool) []T {
	kept := []T{}
	for _, it := range all {
		if fits(it) {
			kept = append(kept, it)
		}
	}
	return kept
}
