module scenario

go 1.19

require starttlslab v0.0.0

replace starttlslab => ../../packages/go
