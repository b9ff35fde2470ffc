-- Calls by day (UTC), kept for longer than devapp keeps them.  Each run reads the rows that
-- have changed since the last; a row can change until 30 days after its day.
{{ config(materialized='incremental', unique_key='usage_key') }}
select md5(row(u.day, u.app_id, u.product_id, u.environment)::text) as usage_key,
       u.day, u.app_id, u.product_id, u.environment, u.owner_then_id, u.calls, u.refused, u.cost, u.updated_at
  from {{ source('devapp', 'usage_daily') }} u
{% if is_incremental() %}
 where u.day > current_date - 32
   and u.updated_at > (select coalesce(max(x.updated_at), '-infinity') from {{ this }} x) - interval '1 minute'
{% endif %}
