"""The maps before and after LIR: what they are packed into, what their colors mean, and their front end."""
