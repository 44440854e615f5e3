"""What all trainings read: located faces of the training sets, and the sample record of text training."""
