-- Response times of the last 30 days by product: percentiles of all responses together.
select l.product_id, p.product, sum(l.responses)::bigint as responses,
       round((sum(l.avg_ms * l.responses) / nullif(sum(l.responses), 0))::numeric, 2)::double precision as avg_ms,
       round(devapp_report.percentile(l.histogram, 0.5)::numeric, 2)::double precision as p50_ms,
       round(devapp_report.percentile(l.histogram, 0.95)::numeric, 2)::double precision as p95_ms,
       round(devapp_report.percentile(l.histogram, 0.99)::numeric, 2)::double precision as p99_ms
  from {{ source('devapp', 'latency_totals') }} l
  left join {{ source('devapp', 'products') }} p on p.product_id = l.product_id
 where l.day > current_date - 30
 group by 1, 2
