// Apps, deleted ones as well: names are unique among those that are not, ids for ever.
cube(`apps`, {
  sql_table: `devapp_report.apps`,

  dimensions: {
    app_id: { sql: `app_id`, type: `string`, primary_key: true, public: true },
    app: { sql: `app`, type: `string` },
    app_path: { sql: `app_path`, type: `string` },
    owner_id: { sql: `owner_id`, type: `string` },
    owner: { sql: `owner`, type: `string` },
    owner_kind: { sql: `owner_kind`, type: `string` },
    status: { sql: `status`, type: `string` },
    is_deleted: { sql: `is_deleted`, type: `boolean` },
    created_at: { sql: `created_at`, type: `time` },
    deleted_at: { sql: `deleted_at`, type: `time` },
  },

  measures: {
    count: { type: `count` },
  },
});
