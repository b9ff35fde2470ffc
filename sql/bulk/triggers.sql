-- Rules of the tables of bulk runs, and rows that stay.

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.bulk_run FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('run_id', 'action', 'filter', 'arguments', 'note', 'job', 'started_by',
                                            'started_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.bulk_run FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('note:description', 'batch_size:positive_int4');
CREATE TRIGGER guard_delete BEFORE DELETE ON devapp.bulk_run
    EXECUTE FUNCTION devapp_internal.guard_delete('To cancel a run, use devapp.cancel_bulk.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.bulk_run
    EXECUTE FUNCTION devapp_internal.guard_delete('To cancel a run, use devapp.cancel_bulk.');
CREATE TRIGGER guard_delete BEFORE DELETE ON devapp.bulk_item
    EXECUTE FUNCTION devapp_internal.guard_delete('To cancel a run, use devapp.cancel_bulk.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.bulk_item
    EXECUTE FUNCTION devapp_internal.guard_delete('To cancel a run, use devapp.cancel_bulk.');
