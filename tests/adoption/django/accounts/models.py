from django.db import models


class Account(models.Model):
    email = models.EmailField()


class Order(models.Model):
    account = models.ForeignKey(Account, on_delete=models.CASCADE)
