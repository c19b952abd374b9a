package starttlslab

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 10 * time.Second
	linesKept    = 200
)

// FindProgram returns the program's path: the variable STARTTLS_LAB, or starttls-lab on the PATH.
func FindProgram() (string, error) {
	if given := os.Getenv("STARTTLS_LAB"); given != "" {
		return given, nil
	}
	found, err := exec.LookPath("starttls-lab")
	if err != nil {
		return "", errors.New("the program starttls-lab is not on the PATH; install it, or set STARTTLS_LAB to its path")
	}
	return found, nil
}

// program is a process of `starttls-lab serve` that ends when this one does.
type program struct {
	folder, caFile string
	ready          ready
	command        *exec.Cmd
	stdin          io.Closer
	exited         chan error

	mutex  sync.Mutex
	output []string
}

// ready is the ready line.
type ready struct {
	Version    string
	Control    string
	Connectors []connectorView
}

func start(path string, arguments []string) (*program, error) {
	folder, err := os.MkdirTemp("", "starttls-lab-")
	if err != nil {
		return nil, err
	}
	p := &program{folder: folder, caFile: filepath.Join(folder, "ca.pem"), exited: make(chan error, 1)}
	arguments = append([]string{"serve"}, arguments...)
	arguments = append(arguments, "--port", "0", "--ca-file", p.caFile, "--exit-on-stdin-eof")
	p.command = exec.Command(path, arguments...)
	p.command.Env = environment()
	if err := p.run(); err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	return p, nil
}

// environment is that of this process without the program's own variables, which would change the lab.
func environment() []string {
	var kept []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(strings.ToUpper(variable), "STARTTLS_LAB") {
			kept = append(kept, variable)
		}
	}
	return kept
}

func (p *program) run() error {
	stdin, err := p.command.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		return err
	}
	stderr, err := p.command.StderrPipe()
	if err != nil {
		return err
	}
	if err := p.command.Start(); err != nil {
		return fmt.Errorf("cannot run %s: %w", p.command.Path, err)
	}
	p.stdin = stdin
	first, reading := make(chan string, 1), sync.WaitGroup{}
	reading.Add(2)
	go p.read(stdout, first, &reading)
	go p.read(stderr, nil, &reading)
	go func() {
		reading.Wait()
		p.exited <- p.command.Wait()
		close(p.exited)
	}()
	select {
	case line := <-first:
		return json.Unmarshal([]byte(line), &p.ready)
	case <-p.exited:
	case <-time.After(startTimeout):
		p.kill()
	}
	return fmt.Errorf("the lab did not start:\n%s", p.said())
}

// read keeps what the program prints; the first line goes to first.
func (p *program) read(from io.Reader, first chan<- string, reading *sync.WaitGroup) {
	defer reading.Done()
	for lines := bufio.NewScanner(from); lines.Scan(); {
		if first != nil {
			first <- lines.Text()
			first = nil
			continue
		}
		p.mutex.Lock()
		p.output = append(p.output, lines.Text())
		if len(p.output) > linesKept {
			p.output = p.output[1:]
		}
		p.mutex.Unlock()
	}
}

func (p *program) said() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return strings.Join(p.output, "\n")
}

// stop ends the process in good order.
func (p *program) stop() error {
	defer os.RemoveAll(p.folder)
	p.stdin.Close()
	select {
	case err := <-p.exited:
		if err != nil {
			return fmt.Errorf("the lab ended: %w\n%s", err, p.said())
		}
		return nil
	case <-time.After(stopTimeout):
		p.kill()
		return fmt.Errorf("the lab did not end within %s and was killed", stopTimeout)
	}
}

func (p *program) kill() {
	_ = p.command.Process.Kill()
	<-p.exited
}
