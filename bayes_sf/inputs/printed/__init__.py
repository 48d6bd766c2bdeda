"""Printed results of any report, as a folder of files: figures as text, every cell checked."""
