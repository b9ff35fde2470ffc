-- The batches of counts that standbys sent, so that one that is sent again counts
-- once.  Ids are UUIDs of version 7, which begin with a time: those older than 30 days
-- are not taken any more, and so need not be known.
CREATE TABLE devapp.usage_shipment (
    batch_id uuid NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    counters bigint NOT NULL,
    CONSTRAINT usage_shipment_pkey PRIMARY KEY (batch_id)
);
SELECT devapp_internal.grant_on('TABLE', 'devapp.usage_shipment', 'SELECT', 'admin');

COMMENT ON TABLE devapp.usage_shipment IS 'Counts that standbys have sent in the last 30 days';
COMMENT ON COLUMN devapp.usage_shipment.batch_id IS 'Made by the standby; a batch is counted once';
COMMENT ON COLUMN devapp.usage_shipment.received_at IS 'When it was counted';
COMMENT ON COLUMN devapp.usage_shipment.counters IS 'How many counters it had';
