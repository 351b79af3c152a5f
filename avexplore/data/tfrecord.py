"""Reading TFRecord files of tf.Example without TensorFlow: framing, checksums, and the few messages that occur."""
