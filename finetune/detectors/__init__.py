"""The trained heads of the encoder, one package each: data, training, calibration."""
