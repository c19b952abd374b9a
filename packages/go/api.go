package starttlslab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// WaitTimeout is the error of a wait in which nothing matched; its text lists what arrived and why it did not match.
type WaitTimeout struct {
	Detail     string          `json:"detail"`
	NearMisses json.RawMessage `json:"near_misses"`
}

func (t *WaitTimeout) Error() string { return t.Detail }

// client sends requests to the control API, which is on loopback: no proxy is asked.
type client struct {
	control string
	http    http.Client
}

func newClient(control string) *client {
	return &client{control: control, http: http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

// ask sends a request; a string is sent as TOML, anything else as JSON. The answer goes to into, if there is one.
func (c *client) ask(method, path string, body, into any) error {
	var content io.Reader
	kind := "application/json"
	switch body := body.(type) {
	case nil:
	case string:
		content, kind = bytes.NewReader([]byte(body)), "application/toml"
	default:
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, c.control+"/api/v1/"+path, content)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", kind)
	answer, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("the lab does not answer: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= http.StatusBadRequest {
		problem := &WaitTimeout{}
		if err := json.Unmarshal(text, problem); err != nil {
			return fmt.Errorf("%s: %s", answer.Status, text)
		}
		if answer.StatusCode == http.StatusRequestTimeout {
			return problem
		}
		return errors.New(problem.Detail)
	}
	if into == nil || len(text) == 0 {
		return nil
	}
	return json.Unmarshal(text, into)
}

// wait asks the lab to wait for a message, session or event; the first one goes to into.
func (c *client) wait(kind, connector string, want Want, patience time.Duration, into any) error {
	if want.Timeout > 0 {
		patience = want.Timeout
	}
	query := url.Values{"for": {kind}, "timeout_ms": {strconv.FormatInt(patience.Milliseconds(), 10)}}
	for name, value := range map[string]string{
		"connector": connector, "to": want.To, "from": want.From, "security": string(want.Security),
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if want.After > 0 {
		query.Set("after", strconv.FormatUint(want.After, 10))
	}
	if want.eventID > 0 {
		query.Set("event_id", strconv.Itoa(want.eventID))
	}
	var found struct{ Items []json.RawMessage }
	if err := c.ask(http.MethodGet, "wait?"+query.Encode(), nil, &found); err != nil {
		return err
	}
	return json.Unmarshal(found.Items[0], into)
}
