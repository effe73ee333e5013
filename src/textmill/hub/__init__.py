"""Other formats <-> ours. Storey: hub, between training and evaluation."""
