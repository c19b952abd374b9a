package starttlslab_test

import (
	"errors"
	"fmt"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"starttlslab"
)

const fix = "Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mailgate.expta.com"

// send uses TLS if it is offered, and insists on it if it is told to.
func send(c *starttlslab.Connector, host string, insist bool) error {
	client, err := smtp.Dial(c.Addr())
	if err != nil {
		return err
	}
	defer client.Close()
	if offered, _ := client.Extension("STARTTLS"); offered {
		if err := client.StartTLS(c.TLSConfig(host)); err != nil {
			return err
		}
	} else if insist {
		return errors.New("STARTTLS is not offered")
	}
	if err := client.Mail("me@contoso.com"); err != nil {
		return err
	}
	if err := client.Rcpt("you@expta.com"); err != nil {
		return err
	}
	content, err := client.Data()
	if err != nil {
		return err
	}
	fmt.Fprint(content, "Subject: hello\r\n\r\nsecret\r\n")
	if err := content.Close(); err != nil {
		return err
	}
	return client.Quit()
}

// recorder is a test that may fail.
type recorder struct {
	testing.TB
	failures []string
	cleanUps []func()
}

func (r *recorder) Errorf(format string, arguments ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, arguments...))
}
func (r *recorder) Logf(format string, arguments ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, arguments...))
}
func (r *recorder) Failed() bool       { return len(r.failures) > 0 }
func (r *recorder) Cleanup(end func()) { r.cleanUps = append(r.cleanUps, end) }
func (r *recorder) end() string {
	for _, end := range r.cleanUps {
		end()
	}
	return strings.Join(r.failures, "\n")
}

func has(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, wanted := range wanted {
		if !strings.Contains(text, wanted) {
			t.Errorf("%q is not in:\n%s", wanted, text)
		}
	}
}

func TestNetSMTPVerifiesWhatItDials(t *testing.T) {
	t.Parallel()
	lab := starttlslab.Start(t)
	for _, host := range []string{"localhost", "127.0.0.1", "mx.lab.test"} {
		if err := send(&lab.Connector, host, true); err != nil {
			t.Fatal(err)
		}
	}
	first := lab.WaitForMessage(starttlslab.Want{To: "you@expta.com", From: "me@contoso.com", Security: starttlslab.TLS})
	second := lab.WaitForMessage(starttlslab.Want{After: first.Seq})
	if first.TLS.Version != "TLSv1.3" || second.ID != first.ID+1 || first.Subject != "hello" {
		t.Errorf("%+v, %+v", first, second)
	}
	lab.ExpectNothingInClear()

	if err := send(&lab.Connector, "mail.expta.com", true); err == nil || !strings.Contains(err.Error(), "mail.expta.com") {
		t.Errorf("the wrong name was accepted: %v", err)
	}
	lab.WaitForSession(starttlslab.Want{After: second.Seq})
}

func TestWhereSTARTTLSIsWithheldTheLabSaysWhatCameInClearAndWhy(t *testing.T) {
	t.Parallel()
	failing := &recorder{TB: t}
	lab := starttlslab.Start(failing)
	lab.Set(starttlslab.Parameters{"fqdn": "mail.expta.com"})
	if start := lab.StartTLS(); start.Offered {
		t.Errorf("%+v", start)
	}
	if err := send(&lab.Connector, "localhost", false); err != nil {
		t.Fatal(err)
	}
	lab.ExpectNothingInClear()
	_, err := lab.TryWaitForMessage(starttlslab.Want{Security: starttlslab.TLS, Timeout: 50 * time.Millisecond})
	var miss *starttlslab.WaitTimeout
	if !errors.As(err, &miss) {
		t.Errorf("%v", err)
	}
	has(t, err.Error(), "no message over TLS", "in clear")
	if event := lab.WaitForEvent(12014); event.ID != 12014 {
		t.Errorf("%+v", event)
	}
	has(t, failing.end(), "envelope and body came in clear", "STARTTLS was not offered", "starttls-lab saw:", "S: 220 ")
}

func TestFaultsOfTwoConnectorsDoNotMix(t *testing.T) {
	t.Parallel()
	lab := starttlslab.Start(t)
	one, other := lab.AddConnector(nil), lab.AddConnector(nil)
	one.Fault(starttlslab.Fault{At: "handshake", Do: "close", Times: 1})
	other.Fault(starttlslab.Fault{At: "end-of-data", Do: starttlslab.Reply("452 4.3.1 Insufficient system resources")})
	if err := send(one, "localhost", true); err == nil {
		t.Error("the handshake was not closed")
	}
	if err := send(one, "localhost", true); err != nil {
		t.Error(err)
	}
	if err := send(other, "localhost", true); err == nil || !strings.Contains(err.Error(), "452") {
		t.Error(err)
	}
	if len(one.Messages()) != 1 || len(other.Messages()) != 0 || len(lab.Messages()) != 1 {
		t.Error(lab.Transcript())
	}
	other.Fix()
	if err := send(other, "localhost", true); err != nil {
		t.Error(err)
	}
	if again := lab.GetConnector(other.Identity()); again.Addr() != other.Addr() {
		t.Errorf("%s is not %s", again.Addr(), other.Addr())
	}
	other.Remove()
	if len(lab.Connectors()) != 2 {
		t.Error(lab.Connectors())
	}
}

func TestAFaultThatWasNeverAppliedFailsTheTest(t *testing.T) {
	t.Parallel()
	failing := &recorder{TB: t}
	starttlslab.Start(failing).Fault(starttlslab.Fault{At: "handshake", Do: "close"})
	has(t, failing.end(), `at handshake on LAB\`, "it was never applied")
}

func TestNothingInClearMayBeExpectedBeforehand(t *testing.T) {
	t.Parallel()
	failing := &recorder{TB: t}
	lab := starttlslab.Start(failing, starttlslab.Fqdn("mail.expta.com", "localhost"))
	lab.ExpectNothingInClear()
	if err := send(&lab.Connector, "localhost", false); err != nil {
		t.Fatal(err)
	}
	has(t, failing.end(), "NOT as expected: nothing in clear; envelope and body came in clear")
}

func TestTheSeedScenarioFromMailInClearToMailOverTLS(t *testing.T) {
	t.Parallel()
	lab := starttlslab.Start(t, starttlslab.Scenario("fqdn-mismatch"))
	lab.ExpectEvent(12014)
	lab.ExpectMessage(starttlslab.Want{To: "you@expta.com", From: "me@contoso.com", Security: starttlslab.TLS})
	lab.ExpectSession(starttlslab.Want{Security: starttlslab.TLS})
	lab.ExpectNoMessage(starttlslab.Want{To: "nobody@expta.com"})
	if err := send(&lab.Connector, "mail.expta.com", true); err == nil {
		t.Error("STARTTLS is offered")
	}
	lab.Run(fix)
	if err := send(&lab.Connector, "mailgate.expta.com", true); err != nil {
		t.Error(err)
	}
	report := lab.Finish()
	if !report.OK() || len(report.Messages) != 1 || len(report.Sessions) != 2 {
		t.Errorf("%s\n%s", report, report.Transcript)
	}
	has(t, report.Transcript, "TLSv1.3")
}

func TestAnExpectationThatIsNotMetSaysWhatThereWasInstead(t *testing.T) {
	t.Parallel()
	lab := starttlslab.Start(t, starttlslab.Fqdn("mail.contoso.com", "mx.contoso.com"))
	lab.ExpectNoEvent(12014)
	lab.ExpectNoMessageInClear()
	lab.ExpectMessage(starttlslab.Want{To: "nobody@expta.com"})
	if err := send(&lab.Connector, "localhost", false); err != nil {
		t.Fatal(err)
	}
	report := lab.Finish()
	if len(report.Expectations) != 3 || strings.Count(report.String(), "NOT as expected") != 3 {
		t.Error(report)
	}
	has(t, report.String(), "message, to nobody@expta.com; there was:\n  message 1 from me@contoso.com to you@expta.com, clear")
}

func TestALabFileIsReplacedWhileTheLabRuns(t *testing.T) {
	t.Parallel()
	program, err := starttlslab.FindProgram()
	if err != nil {
		t.Fatal(err)
	}
	show := func(name string) string {
		text, err := exec.Command(program, "show", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	file := filepath.Join(t.TempDir(), "lab.toml")
	if err := os.WriteFile(file, []byte(show("healthy")), 0o600); err != nil {
		t.Fatal(err)
	}
	one := starttlslab.Start(t, starttlslab.Program(program), starttlslab.File(file))
	other := starttlslab.Start(t, starttlslab.Text(show("healthy")))
	other.Reconfigure(show("fqdn-mismatch"))
	if !one.StartTLS().Offered || other.StartTLS().Offered {
		t.Errorf("%+v, %+v", one.StartTLS(), other.StartTLS())
	}
	other.Reset()
	if !other.StartTLS().Offered {
		t.Error("the lab file of the start is not back")
	}
}

func TestTheClockIsAdvanced(t *testing.T) {
	t.Parallel()
	lab := starttlslab.Start(t)
	before := lab.Advance(0)
	if after := lab.Advance(36 * time.Hour); after.Sub(before) < 36*time.Hour {
		t.Errorf("%s is not a day and a half after %s", after, before)
	}
}

func TestWhatTheLabRefusesIsRefusedInItsWords(t *testing.T) {
	t.Parallel()
	if _, err := starttlslab.TryStart(t, starttlslab.Scenario("fqdn-mismatsch")); err == nil {
		t.Error("there is no such scenario")
	} else {
		has(t, err.Error(), "did you mean `fqdn-mismatch`?")
	}
	lab := starttlslab.Start(t)
	_, err := lab.TryRunOn("LAB", `Set-ReceiveConnector "LAB\Nowhere" -Fqdn mail.expta.com`)
	if err == nil {
		t.Fatal("there is no such connector")
	}
	has(t, err.Error(), "couldn't be found")
}
