// What was decided, and how long it took.
cube(`approvals`, {
  sql_table: `devapp_report.approvals`,

  joins: {
    apps: { relationship: `many_to_one`, sql: `${CUBE}.app_id = ${apps.app_id}` },
    products: { relationship: `many_to_one`, sql: `${CUBE}.product_id = ${products.product_id}` },
  },

  dimensions: {
    decision_id: { sql: `decision_id`, type: `number`, primary_key: true },
    requested_at: { sql: `requested_at`, type: `time` },
    decided_at: { sql: `decided_at`, type: `time` },
    subject: { sql: `subject`, type: `string` },
    outcome: { sql: `outcome`, type: `string` },
    decided_by: { sql: `decided_by`, type: `string` },
    decided_by_kind: { sql: `decided_by_kind`, type: `string` },
  },

  measures: {
    decisions: { type: `count` },
    hours: {
      sql: `round(avg(${CUBE}.hours)::numeric, 2)`,
      type: `number`,
      description: `Mean of the hours from the request to the decision`,
    },
    hours_p90: {
      sql: `round((percentile_cont(0.9) WITHIN GROUP (ORDER BY ${CUBE}.hours))::numeric, 2)`,
      type: `number`,
    },
  },

  segments: {
    by_people: { sql: `${CUBE}.decided_by_kind IN ('person', 'role') AND ${CUBE}.hours IS NOT NULL` },
  },
});
