-- Nothing is for anybody, until setup_roles() grants what is declared.  The last module: it
-- must see all objects.

SELECT devapp_internal.take_back();
