ALTER TABLE entry ADD COLUMN picture TEXT;
CREATE UNIQUE INDEX entry_picture ON entry (picture) WHERE picture IS NOT NULL;
