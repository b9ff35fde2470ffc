// Calls by the hour.  hour is a time, so Cube makes days of any time zone of it:
// give the query a timezone, or the deployment a default one.
cube(`usage`, {
  sql_table: `devapp_report.usage_hourly`,

  joins: {
    apps: { relationship: `many_to_one`, sql: `${CUBE}.app_id = ${apps.app_id}` },
    products: { relationship: `many_to_one`, sql: `${CUBE}.product_id = ${products.product_id}` },
  },

  dimensions: {
    id: {
      // app, product and environment may be null, and still belong to the key
      sql: `md5(ROW(${CUBE}.hour, ${CUBE}.app_id, ${CUBE}.product_id, ${CUBE}.environment)::text)`,
      type: `string`,
      primary_key: true,
    },
    hour: { sql: `hour`, type: `time` },
    environment: { sql: `environment`, type: `string` },
    owner_then: {
      sql: `owner_then`,
      type: `string`,
      description: `Who owned the app at the end of the hour; apps.owner is who owns it now`,
    },
    owner_then_id: { sql: `owner_then_id`, type: `string` },
  },

  measures: {
    calls: { sql: `calls`, type: `sum`, description: `Allowed calls` },
    refused: { sql: `refused`, type: `sum`, description: `Refused calls` },
    cost: { sql: `cost`, type: `sum` },
    refused_percent: {
      sql: `round(100.0 * ${refused} / nullif(${calls} + ${refused}, 0), 2)`,
      type: `number`,
      description: `Share of all calls that was refused, in percent`,
    },
  },
});
