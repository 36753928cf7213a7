"""Reports at the hub: written from the newest releases that whoever reads them may see."""
