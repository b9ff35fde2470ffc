module devapp.example/middleware

go 1.19
