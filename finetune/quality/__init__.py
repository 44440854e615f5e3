"""The fit of the overall quality score: what the tools' errors on worse and worse copies of a face depend on."""
