"""One visible training loop; the teacher and the student on top of it."""
