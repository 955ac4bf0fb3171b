"""An HTTP API and a page that classify texts and tables with an exported model."""
