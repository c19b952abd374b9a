package starttlslab

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	patience     = 5 * time.Second
	drainTimeout = 500 * time.Millisecond
)

// names are what the certificate says where nothing else is asked for, so that a client may dial any of it and verify.
var names = []string{"mx.lab.test", "localhost", "127.0.0.1"}

// TB is what a lab needs of *testing.T.
type TB interface {
	Helper()
	Cleanup(func())
	Failed() bool
	Errorf(format string, arguments ...any)
	Fatalf(format string, arguments ...any)
	Logf(format string, arguments ...any)
}

// Lab is a lab in a process of its own, on free ports of loopback; as a connector it is its first one.
type Lab struct {
	Connector
	Version string

	t        TB
	client   *client
	program  *program
	patience time.Duration
	finished bool

	mutex        sync.Mutex
	numbers      int
	applied      map[string]bool
	expectations []func(*Report) Checked
}

// Option says what is started.
type Option func(*options)

type options struct {
	path      string
	arguments []string
	text      string
	patience  time.Duration
}

// Program starts this program rather than the one that FindProgram finds.
func Program(path string) Option { return func(o *options) { o.path = path } }

// Scenario starts a built-in scenario or an entry of the fault catalogue, such as fqdn-mismatch.
func Scenario(name string) Option { return func(o *options) { o.arguments = []string{name} } }

// File starts a lab file, TOML or JSON.
func File(path string) Option { return func(o *options) { o.arguments = []string{path} } }

// Text starts the text of a lab file.
func Text(text string) Option { return func(o *options) { o.text = text } }

// Fqdn starts an Edge with one connector that answers as fqdn, and a certificate with these names. Without a
// certificate that has the name fqdn, the connector withholds STARTTLS.
func Fqdn(fqdn string, certificate ...string) Option {
	return func(o *options) {
		o.arguments = []string{"--fqdn", fqdn}
		if len(certificate) > 0 {
			o.arguments = append(o.arguments, "--certificate", strings.Join(certificate, ","))
		}
	}
}

// Patience is the time-out of waits that have none of their own; 5 seconds by default.
func Patience(patience time.Duration) Option { return func(o *options) { o.patience = patience } }

// Start starts a lab that ends with the test. Without options it is a connector that offers STARTTLS with a
// certificate for mx.lab.test, localhost and 127.0.0.1.
func Start(t TB, chosen ...Option) *Lab {
	t.Helper()
	lab, err := TryStart(t, chosen...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return lab
}

// TryStart is Start with the error.
func TryStart(t TB, chosen ...Option) (*Lab, error) {
	t.Helper()
	o := options{patience: patience}
	Fqdn(names[0], names...)(&o)
	for _, option := range chosen {
		option(&o)
	}
	if o.path == "" {
		var err error
		if o.path, err = FindProgram(); err != nil {
			return nil, err
		}
	}
	if o.text != "" {
		folder, err := os.MkdirTemp("", "starttls-lab-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(folder)
		file := filepath.Join(folder, "lab.toml")
		if err := os.WriteFile(file, []byte(o.text), 0o600); err != nil {
			return nil, err
		}
		o.arguments = []string{file}
	}
	program, err := start(o.path, o.arguments)
	if err != nil {
		return nil, err
	}
	lab := &Lab{t: t, program: program, patience: o.patience, applied: map[string]bool{}}
	lab.client, lab.Version, lab.CAFile = newClient(program.ready.Control), program.ready.Version, program.caFile
	if lab.CA, err = os.ReadFile(lab.CAFile); err == nil {
		err = lab.be(lab, program.ready.Connectors[0])
	}
	if err != nil {
		program.kill()
		return nil, err
	}
	t.Cleanup(lab.cleanUp)
	return lab, nil
}

// cleanUp finishes a lab that the test has not finished itself.
func (l *Lab) cleanUp() {
	l.t.Helper()
	if l.finished {
		return
	}
	failed := l.t.Failed()
	report := l.Finish()
	if !failed && !report.OK() {
		l.t.Errorf("the lab did not see what it should have:\n%s", report)
	}
	if l.t.Failed() {
		l.t.Logf("starttls-lab saw:\n%s", report.Transcript)
	}
}

// Connectors returns the identities of all receive connectors, SERVER\Name.
func (l *Lab) Connectors() []string {
	l.t.Helper()
	identities := []string{}
	for _, view := range l.views() {
		identities = append(identities, view.Computer+`\`+view.Name)
	}
	return identities
}

func (l *Lab) views() (views []connectorView) {
	l.t.Helper()
	l.ask(http.MethodGet, "connectors", nil, &views)
	return views
}

// GetConnector returns a connector by its name, SERVER\Name or FQDN.
func (l *Lab) GetConnector(name string) *Connector {
	l.t.Helper()
	views := l.views()
	fit := filter(views, func(it connectorView) bool {
		return strings.EqualFold(name, it.Name) || strings.EqualFold(name, it.Fqdn) ||
			strings.EqualFold(name, it.Computer+`\`+it.Name)
	})
	if len(fit) != 1 {
		l.t.Fatalf("%s is %d of these connectors: %s", name, len(fit), strings.Join(l.Connectors(), ", "))
	}
	return l.connector(fit[0])
}

func (l *Lab) connector(view connectorView) *Connector {
	l.t.Helper()
	c := &Connector{CAFile: l.CAFile, CA: l.CA}
	l.must(c.be(l, view))
	c.scope = c.Identity()
	return c
}

// AddConnector adds a receive connector on a free port.
func (l *Lab) AddConnector(parameters Parameters) *Connector {
	l.t.Helper()
	l.mutex.Lock()
	l.numbers++
	name := fmt.Sprintf("Test %d", l.numbers)
	l.mutex.Unlock()
	// A test is one address that does a lot at once, and does not want to wait for the tarpit.
	body := Parameters{
		"computer": l.Computer, "name": name, "usage": "Custom", "auth_mechanism": []string{"Tls"},
		"permission_groups": []string{"AnonymousUsers"}, "tarpit_interval": "0s",
		"max_inbound_connection_per_source":            "unlimited",
		"max_inbound_connection_percentage_per_source": 100, "message_rate_limit": "unlimited",
	}
	for key, value := range parameters {
		body[key] = value
	}
	var view connectorView
	l.ask(http.MethodPost, "connectors", body, &view)
	return l.connector(view)
}

// Run runs commands in the Exchange Management Shell of the only computer and returns what it prints; answers are those
// to the questions that the commands ask.
func (l *Lab) Run(commands string, answers ...string) string {
	l.t.Helper()
	output, err := l.TryRunOn("", commands, answers...)
	l.must(err)
	return output
}

// TryRunOn is Run on the computer of this name, with what the Shell refuses as the error.
func (l *Lab) TryRunOn(computer, commands string, answers ...string) (string, error) {
	body := map[string]any{"line": commands, "answers": append([]string{}, answers...)}
	if computer != "" {
		body["computer"] = computer
	}
	var screen struct{ Output string }
	err := l.client.ask(http.MethodPost, "cmdlets", body, &screen)
	return screen.Output, err
}

// Reconfigure replaces the lab file by this one, in TOML, and returns what is different.
func (l *Lab) Reconfigure(toml string) []string {
	l.t.Helper()
	var changed struct{ Changes []string }
	l.ask(http.MethodPut, "scenario", toml, &changed)
	return changed.Changes
}

// Reset goes back to the lab file of the start.
func (l *Lab) Reset() {
	l.t.Helper()
	l.ask(http.MethodPost, "reset", nil, nil)
}

// Advance advances the lab's clock and returns the time there.
func (l *Lab) Advance(by time.Duration) time.Time {
	l.t.Helper()
	var clock struct{ Now time.Time }
	l.ask(http.MethodPost, "clock", map[string]string{"advance": fmt.Sprintf("PT%.3fS", by.Seconds())}, &clock)
	return clock.Now
}

// Faults returns the fault rules, each with how often it was applied.
func (l *Lab) Faults() (rules []FaultRule) {
	l.t.Helper()
	l.ask(http.MethodGet, "faults", nil, &rules)
	return rules
}

// SetFaults replaces the fault rules of a computer; they count from the next connection.
func (l *Lab) SetFaults(computer string, faults ...Fault) {
	l.t.Helper()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	rules := []json.RawMessage{}
	for _, fault := range faults {
		text, err := json.Marshal(fault)
		l.must(err)
		rules = append(rules, text)
	}
	l.setFaults(computer, rules)
}

func (l *Lab) setFaults(computer string, rules []json.RawMessage) {
	l.t.Helper()
	// A computer's counts begin anew then.
	for _, rule := range l.Faults() {
		if rule.Done > 0 {
			l.applied[string(rule.Fault)] = true
		}
	}
	body := map[string]any{"fault": rules}
	l.ask(http.MethodPut, "computers/"+url.PathEscape(computer)+"/faults", body, nil)
}

// Ask sends any other request to the control API, /api/v1/ before it; into is what the JSON of the answer goes to.
func (l *Lab) Ask(method, path string, body, into any) error {
	return l.client.ask(method, path, body, into)
}

func (l *Lab) ask(method, path string, body, into any) {
	l.t.Helper()
	l.must(l.client.ask(method, path, body, into))
}

func (l *Lab) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatalf("%v", err)
	}
}

// ExpectMessage lets Finish, and the end of the test, check that there was such a message.
func (l *Lab) ExpectMessage(want Want) { l.expectMessage("message"+want.String(), true, want) }

// ExpectNoMessage lets Finish check that there was no such message.
func (l *Lab) ExpectNoMessage(want Want) { l.expectMessage("no message"+want.String(), false, want) }

// ExpectNoMessageInClear lets Finish check that no message came without TLS.
func (l *Lab) ExpectNoMessageInClear() { l.ExpectNoMessage(Want{Security: Clear}) }

func (l *Lab) expectMessage(expected string, wanted bool, want Want) {
	l.expectations = append(l.expectations, func(report *Report) Checked {
		return check(expected, wanted, report.Messages, want.isMessage)
	})
}

// ExpectSession lets Finish check that there was such a session.
func (l *Lab) ExpectSession(want Want) {
	l.expectations = append(l.expectations, func(report *Report) Checked {
		return check("session"+want.String(), true, report.Sessions, want.isSession)
	})
}

// ExpectEvent lets Finish check that such an event was logged.
func (l *Lab) ExpectEvent(id int) { l.expectEvent(fmt.Sprintf("event %d", id), true, id) }

// ExpectNoEvent lets Finish check that no such event was logged.
func (l *Lab) ExpectNoEvent(id int) { l.expectEvent(fmt.Sprintf("no event %d", id), false, id) }

func (l *Lab) expectEvent(expected string, wanted bool, id int) {
	l.expectations = append(l.expectations, func(report *Report) Checked {
		return check(expected, wanted, report.Events, func(event Event) bool { return event.ID == id })
	})
}

func check[T fmt.Stringer](expected string, wanted bool, all []T, fits func(T) bool) Checked {
	fit := filter(all, fits)
	shown := fit
	if wanted {
		shown = all
	}
	instead := "there was none"
	if len(shown) > 0 {
		instead = "there was:"
	}
	for _, it := range shown {
		instead += "\n  " + it.String()
	}
	return Checked{expected, wanted == (len(fit) > 0), instead}
}

// Finish ends the lab and reports what was expected, and whether every fault rule was applied. A test that does not
// call it has the report checked at its end.
func (l *Lab) Finish() *Report {
	l.t.Helper()
	l.finished = true
	defer func() {
		if err := l.program.stop(); err != nil {
			l.t.Errorf("%v", err)
		}
	}()
	l.drain()
	report := &Report{Sessions: l.Sessions(), Messages: l.Messages(), Events: l.Events(), Transcript: l.Transcript()}
	for _, check := range l.expectations {
		report.Expectations = append(report.Expectations, check(report))
	}
	for _, rule := range l.Faults() {
		if !rule.read().Optional {
			met := rule.Done > 0 || l.applied[string(rule.Fault)]
			report.Expectations = append(report.Expectations, Checked{rule.String(), met, "it was never applied"})
		}
	}
	return report
}

// drain lets sessions end by themselves.
func (l *Lab) drain() {
	isOpen := func(it Session) bool { return it.Ending == "" }
	for deadline := time.Now().Add(drainTimeout); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if len(filter(l.Sessions(), isOpen)) == 0 {
			return
		}
	}
}
