package mail

import (
	"crypto/tls"
	"net"
	"os/exec"
)

func Deliver(addr string, _ *tls.Config, user string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	arguments := []string{"careless.py", host, port}
	if user != "" {
		arguments = append(arguments, user)
	}
	return exec.Command("python3", arguments...).Run()
}
