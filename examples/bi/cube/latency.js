// Response times by day and product.  Percentiles come from the histograms of all rows of
// a group: a mean of p95_ms would be wrong.
cube(`latency`, {
  sql_table: `devapp_report.latency_totals`,

  joins: {
    products: { relationship: `many_to_one`, sql: `${CUBE}.product_id = ${products.product_id}` },
  },

  dimensions: {
    id: { sql: `md5(ROW(${CUBE}.day, ${CUBE}.product_id)::text)`, type: `string`, primary_key: true },
    day: {
      // a day of UTC: at noon it is the same day from UTC-11 to UTC+11. Cube casts what stands here,
      // so it is in parentheses
      sql: `((${CUBE}.day + time '12:00') AT TIME ZONE 'UTC')`,
      type: `time`,
    },
  },

  measures: {
    responses: { sql: `responses`, type: `sum` },
    client_errors: { sql: `client_errors`, type: `sum` },
    server_errors: { sql: `server_errors`, type: `sum` },
    error_percent: {
      sql: `round(100.0 * (${client_errors} + ${server_errors}) / nullif(${responses}, 0), 2)`,
      type: `number`,
    },
    avg_ms: {
      sql: `round((sum(${CUBE}.avg_ms * ${CUBE}.responses) / nullif(sum(${CUBE}.responses), 0))::numeric, 2)`,
      type: `number`,
    },
    p50_ms: { sql: `round(devapp_report.percentile(${CUBE}.histogram, 0.5)::numeric, 2)`, type: `number` },
    p95_ms: { sql: `round(devapp_report.percentile(${CUBE}.histogram, 0.95)::numeric, 2)`, type: `number` },
    p99_ms: { sql: `round(devapp_report.percentile(${CUBE}.histogram, 0.99)::numeric, 2)`, type: `number` },
  },
});
