/**
 * A client for starttls-lab, a mail server whose STARTTLS fails on purpose: {@link starttlslab.Lab} runs one, and
 * {@link starttlslab.StarttlsLab} gives one to each test of JUnit 5.
 */
package starttlslab;
