module starttlslab

go 1.19
