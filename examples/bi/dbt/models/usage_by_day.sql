-- Calls by day of the zone devapp_time_zone and by product, days without calls as well.
with zone as (
    select '{{ var("devapp_time_zone") }}'::text as name
), calls as (
    select (u.hour at time zone z.name)::date as day, u.product_id,
           sum(u.calls)::bigint as calls, sum(u.refused)::bigint as refused
      from {{ source('devapp', 'usage_hourly') }} u cross join zone z
     where u.hour > now() - interval '90 days'
     group by 1, 2
)
select c.day, k.product_id, p.product, coalesce(k.calls, 0) as calls, coalesce(k.refused, 0) as refused,
       round(100.0 * k.refused / nullif(k.calls + k.refused, 0), 2)::double precision as refused_percent
  from {{ source('devapp', 'calendar') }} c cross join zone z
  left join calls k on k.day = c.day
  left join {{ source('devapp', 'products') }} p on p.product_id = k.product_id
 where c.day between (now() at time zone z.name)::date - 89 and (now() at time zone z.name)::date
