// Products, deleted ones as well.
cube(`products`, {
  sql_table: `devapp_report.products`,

  dimensions: {
    product_id: { sql: `product_id`, type: `string`, primary_key: true, public: true },
    product: { sql: `product`, type: `string` },
    access: { sql: `access`, type: `string` },
    approval: { sql: `approval`, type: `string` },
    is_deleted: { sql: `is_deleted`, type: `boolean` },
    created_at: { sql: `created_at`, type: `time` },
    deleted_at: { sql: `deleted_at`, type: `time` },
  },

  measures: {
    count: { type: `count` },
  },
});
