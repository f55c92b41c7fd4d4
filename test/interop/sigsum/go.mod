module limmat.invalid/interop/sigsum

go 1.25.0

require sigsum.org/sigsum-go v0.14.0
