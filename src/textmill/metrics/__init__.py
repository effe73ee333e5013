"""Pure functions from predictions to scores. Room: metrics/ (predictions -> scores); imports no torch at the door."""
