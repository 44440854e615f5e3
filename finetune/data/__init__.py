"""What all trainings share: located faces of the training sets, sample records, and the number format."""
