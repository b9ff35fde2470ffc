REFRESH MATERIALIZED VIEW devapp_internal.verdict_status;
