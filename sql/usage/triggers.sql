-- Changes of days are noted for the refresh of the reports, also those that replication makes
-- or a session whose other triggers are off.  Partitions have the triggers of their table.
CREATE TRIGGER note_usage_change BEFORE INSERT OR UPDATE OR DELETE ON devapp.usage_day FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.note_usage_change('usage_day');
ALTER TABLE devapp.usage_day ENABLE ALWAYS TRIGGER note_usage_change;
CREATE TRIGGER note_usage_change BEFORE INSERT OR UPDATE OR DELETE ON devapp.usage_latency FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.note_usage_change('usage_latency');
ALTER TABLE devapp.usage_latency ENABLE ALWAYS TRIGGER note_usage_change;

-- A publication of all tables publishes notes too, but the triggers of a subscriber make them.
CREATE TRIGGER keep_usage_change BEFORE INSERT OR UPDATE OR DELETE ON devapp_internal.usage_change FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.keep_packed_row();
ALTER TABLE devapp_internal.usage_change ENABLE ALWAYS TRIGGER keep_usage_change;

CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.usage_correction FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('environment:text', 'note:description');
