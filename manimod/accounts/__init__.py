"""The people who use mani: owners and support."""
