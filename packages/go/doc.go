// Package starttlslab runs starttls-lab, a mail server whose STARTTLS fails on purpose, inside Go tests.
//
//	lab := starttlslab.Start(t)
//	lab.Set(starttlslab.Parameters{"fqdn": "mail.expta.com"}) // no certificate has this name: event 12014
//	send(lab.Addr())                                           // the program under test
//	lab.ExpectNothingInClear()
//
// A lab is a process of its own on free ports of loopback, and ends with its test. At the end every fault rule has to
// have been applied and every expectation met; a test that failed shows the transcript.
//
// The methods of a lab fail the test where the lab cannot do what it is asked, so they belong to the goroutine of the
// test; those that begin with Try return the error.
package starttlslab
