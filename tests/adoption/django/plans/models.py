from django.db import models


class Plan(models.Model):
    name = models.CharField(max_length=80, unique=True)
    price_cents = models.BigIntegerField()
