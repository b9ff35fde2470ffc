-- How long people took to decide, by week and product.
select date_trunc('week', a.decided_at)::date as week, a.product_id, p.product, count(*) as decisions,
       round(avg(a.hours)::numeric, 2)::double precision as avg_hours,
       round((percentile_cont(0.9) within group (order by a.hours))::numeric, 2)::double precision as p90_hours
  from {{ source('devapp', 'approvals') }} a
  left join {{ source('devapp', 'products') }} p on p.product_id = a.product_id
 where a.decided_by_kind in ('person', 'role') and a.hours is not null
 group by 1, 2, 3
