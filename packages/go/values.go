package starttlslab

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Security is whether something came encrypted.
type Security string

// The two kinds of security.
const (
	TLS   Security = "tls"
	Clear Security = "clear"
)

// Want is the conditions on a message or a session; what is omitted is no condition.
type Want struct {
	To, From string   // of a message
	Security Security // of a message or session
	After    uint64   // only what came after the journal's entry of this number, such as the Seq of an earlier one
	Timeout  time.Duration

	eventID int
}

func (w Want) String() string {
	var words []string
	for _, word := range [][2]string{{"to", w.To}, {"from", w.From}, {"security", string(w.Security)}} {
		if word[1] != "" {
			words = append(words, ", "+word[0]+" "+word[1])
		}
	}
	return strings.Join(words, "")
}

func (w Want) isMessage(message Message) bool {
	isTo := w.To == ""
	for _, to := range message.RcptTo {
		isTo = isTo || strings.EqualFold(w.To, to)
	}
	return isTo && (w.From == "" || strings.EqualFold(w.From, message.MailFrom)) &&
		(w.Security == "" || w.Security == message.Security)
}

func (w Want) isSession(session Session) bool {
	isTLS := len(session.TLS) > 0 && string(session.TLS) != "null"
	return w.Security == "" || isTLS == (w.Security == TLS)
}

// Message is a message that was accepted.
type Message struct {
	ID        uint64   `json:"id"`
	Seq       uint64   `json:"seq"`
	Computer  string   `json:"computer"`
	Connector string   `json:"connector"`
	Session   string   `json:"session"`
	Helo      string   `json:"helo"`
	MailFrom  string   `json:"mail_from"`
	RcptTo    []string `json:"rcpt_to"`
	Security  Security `json:"security"`
	TLS       *struct {
		Version     string `json:"version"`
		CipherSuite string `json:"cipher_suite"`
		ServerName  string `json:"server_name"`
	} `json:"tls"`
	Protocol string `json:"protocol"`
	User     string `json:"user"`
	Size     uint64 `json:"size"`
	Subject  string `json:"subject"`
}

func (m Message) String() string {
	return fmt.Sprintf("message %d from %s to %s, %s", m.ID, m.MailFrom, strings.Join(m.RcptTo, ", "), m.Security)
}

// Session is an SMTP session.
type Session struct {
	Session         string          `json:"session"`
	Seq             uint64          `json:"seq"`
	Computer        string          `json:"computer"`
	Connector       string          `json:"connector"`
	Remote          string          `json:"remote"`
	TLS             json.RawMessage `json:"tls"`
	TLSFailure      json.RawMessage `json:"tls_failure"`
	MessagesInClear uint64          `json:"messages_in_clear"`
	MessagesOverTLS uint64          `json:"messages_over_tls"`
	Ending          string          `json:"ending"` // local, remote or broken; empty while it goes on
	Outcome         string          `json:"outcome"`
}

func (s Session) String() string { return s.Outcome }

// Event is an entry of the Application log.
type Event struct {
	Seq       uint64 `json:"seq"`
	ID        int    `json:"event_id"`
	Level     string `json:"level"`
	Computer  string `json:"event_computer"`
	Connector string `json:"event_connector"`
	Message   string `json:"message"`
}

func (e Event) String() string { return fmt.Sprintf("event %d", e.ID) }

// Verdict is what one client did about TLS on one connector.
type Verdict struct {
	Peer            string `json:"peer"`
	Computer        string `json:"computer"`
	Connector       string `json:"connector"`
	MessagesInClear uint64 `json:"messages_in_clear"`
	MessagesOverTLS uint64 `json:"messages_over_tls"`
	Leaks           []Leak `json:"leaks"`
	ResultType      string `json:"result_type"`
	Words           string `json:"words"`
}

// Leak is something that was said in clear: envelope, body or credentials.
type Leak struct {
	What    string `json:"what"`
	Why     string `json:"why"`
	Session string `json:"session"`
}

// StartTLS is whether STARTTLS is offered, and why.
type StartTLS struct {
	Offered bool   `json:"offered"`
	Because string `json:"because"`
	Label   string `json:"label"`
}

// Fault is a fault rule: at a stage, do something wrong.
type Fault struct {
	At         string         `json:"at"`                 // such as starttls, handshake, end-of-data
	Do         any            `json:"do"`                 // Reply("454 ..."), "close", "silence", map[string]any{...}
	Times      int            `json:"times,omitempty"`    // how often in all; 0 for always
	When       map[string]any `json:"when,omitempty"`     // the conditions
	Then       string         `json:"then,omitempty"`     // what follows
	Optional   bool           `json:"optional,omitempty"` // whether it may stay unapplied
	Vulnerable bool           `json:"vulnerable,omitempty"`
	Connector  string         `json:"connector,omitempty"` // Connector.Fault fills it in
}

// Reply is a reply in place of the connector's, such as "454 4.7.0 TLS not available".
func Reply(text string) any { return map[string]string{"reply": text} }

// FaultRule is a fault rule with how often it was applied.
type FaultRule struct {
	Computer string          `json:"computer"`
	Row      int             `json:"row"`
	Done     uint64          `json:"done"`
	Fault    json.RawMessage `json:"fault"`
}

func (r FaultRule) read() (fault Fault) {
	_ = json.Unmarshal(r.Fault, &fault)
	return fault
}

func (r FaultRule) String() string {
	fault, where := r.read(), r.Computer
	if fault.Connector != "" {
		where += `\` + fault.Connector
	}
	return fmt.Sprintf("fault rule %d at %s on %s: %v", r.Row, fault.At, where, fault.Do)
}

// Parameters are those of a receive connector, with the keys of a lab file, such as fqdn.
type Parameters map[string]any

// Checked is an expectation, and whether it was met.
type Checked struct {
	Expected string
	Met      bool
	Instead  string
}

func (c Checked) String() string {
	if c.Met {
		return "as expected: " + c.Expected
	}
	return "NOT as expected: " + c.Expected + "; " + c.Instead
}

// Report is what a lab has seen when it is finished, and whether that was expected.
type Report struct {
	Sessions     []Session
	Messages     []Message
	Events       []Event
	Expectations []Checked
	Transcript   string
}

// OK is whether every expectation was met.
func (r *Report) OK() bool {
	for _, checked := range r.Expectations {
		if !checked.Met {
			return false
		}
	}
	return true
}

func (r *Report) String() string {
	lines := make([]string, len(r.Expectations))
	for i, checked := range r.Expectations {
		lines[i] = checked.String()
	}
	return strings.Join(lines, "\n")
}

type connectorView struct {
	Computer string   `json:"computer"`
	Name     string   `json:"name"`
	Fqdn     string   `json:"fqdn"`
	Addrs    []string `json:"addrs"`
}
